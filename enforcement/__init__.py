"""Powers delegated to the township, and their use: the brigade and its cases."""
