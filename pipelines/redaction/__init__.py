"""What may be printed or stored of a text that others wrote: no secret, no personal value, no control character."""
