"""A network as data: named programs of declared operations, which numpy and the browser run without torch.

`operations` has each operation once; `export` makes programs of torch modules, `forward` runs them, `backward`
differentiates them, and `named` says which programs a model's file holds.
"""
