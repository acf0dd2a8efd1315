"""A DukeMTMC-reID tree of a few images."""

DUKE = (
    "bounding_box_train/0001_c2_f0046182.jpg",
    "bounding_box_train/0005_c8_f0000042.jpg",
    "query/0006_c1_f0001000.jpg",
    "bounding_box_test/0006_c1_f0002000.jpg",
    "bounding_box_test/0006_c2_f0003000.jpg",
    "bounding_box_test/0009_c3_f0004000.jpg",
)
