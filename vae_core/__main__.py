"""python -m vae_core"""

from vae_core.cli.commands import main

main()
