"""What several tests build with: small contracts and their sources, made in place."""
