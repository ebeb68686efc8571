"""What all adapters share: each rule once for every BSP."""
