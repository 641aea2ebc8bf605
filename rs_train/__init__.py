"""The training side of caption tables: whether a corpus is fit to pretrain CLIP on."""
