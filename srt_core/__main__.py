"""The command line: `srt`, also as `python -m srt_core`."""

from srt_core.commands.main import main

if __name__ == "__main__":
    main()
