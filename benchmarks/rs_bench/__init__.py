"""The benchmarks that say what a corpus was worth: `rs-bench`.

    datasets (sets, sentences, remotecount/) -> features by a model (encoder, embeddings) or made
    elsewhere (elsewhere, features) -> tasks/ -> results -> report/

`suite.py` names the tasks, `measure.py` runs them. What is computed stands apart as functions of
arrays: metrics and ranks, accuracy, knn, linear, counting. Only `encoder` and `topk` import torch.
"""
