"""Makes the stage from landing: SQL that repairs, checks and casts cells, and the quarantine of refused rows."""
