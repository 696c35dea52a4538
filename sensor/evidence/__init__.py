"""Evidence: the frames of chosen flows, cut out of the captures that they were read from."""
