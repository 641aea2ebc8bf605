"""How closely two images must agree to be look-alikes, and the ways one can be turned."""

# Each level finds what the ones before it find: equal pixels; hashes within the threshold (the
# paper's); the same of an image flipped or rotated; an image that is a crop of another. At the last
# one pixels decide what is a look-alike: some of what hashes link is not.
LEVELS = ("exact", "near", "dihedral", "crop")

# As Pillow names them; rotations are counter-clockwise.
TRANSFORMS = (
    "same",
    "flip-left-right",
    "flip-top-bottom",
    "rotate-180",
    "transpose",
    "rotate-90",
    "rotate-270",
    "transverse",
)
