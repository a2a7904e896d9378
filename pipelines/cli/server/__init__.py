"""Commands that run and keep the installation: nights, processes, backups, alerts, health, deployment."""
