"""`python -m gan_probe` is `gan-probe`."""

from gan_probe.cli import main

if __name__ == "__main__":  # a process of an analysis' own imports this again
    main()
