"""The engines that machines can share, one module each, with a function `connect(address)`."""
