"""The playground: the real bot on an embedded Discord and an embedded model, with a web page to talk to it."""
