"""python -m vae_core"""

from vae_core.cli import main

main()
