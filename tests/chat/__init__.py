"""Language models behind endpoints, over real sockets."""
