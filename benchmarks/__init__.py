"""What loads and models cost, compared with the least that they could cost: `make bench`."""
