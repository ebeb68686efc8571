"""One folder per BSP; see `contract` for what each folder holds and `registry` for the list."""
