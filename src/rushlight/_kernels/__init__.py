"""How the heavy operations are computed: NumPy arrays in, NumPy arrays out, no Tensor."""
