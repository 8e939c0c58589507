sub
more
