"""Turn remote-sensing annotations (boxes, masks, sentences) into caption tables.

The method is RemoteCLIP's (Liu, Chen et al., arXiv 2306.11029, section III-B): masks become boxes
(M2B), boxes become captions (B2C), look-alikes leave (pHash blocks). Data flows one way:

    readers -> Sample -> tiles -> m2b -> b2c -> table -> dedup

Importing this package is cheap on purpose: each stage is its own module, imported when used.
"""

__version__ = "0.1.0"
