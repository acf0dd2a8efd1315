"""The parts that methods put behind a backbone: the BNNeck, mask heads, stripes."""
