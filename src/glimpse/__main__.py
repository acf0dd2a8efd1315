"""`glimpse` and `python -m glimpse`."""


def main() -> None:
    """Run the command line; while it is loaded, Ctrl-C ends the process at once and without a traceback."""
    try:
        import signal

        interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if interruptible:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        from glimpse.cli import main as run

        if interruptible:
            signal.signal(signal.SIGINT, signal.default_int_handler)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    run()


if __name__ == "__main__":
    main()
