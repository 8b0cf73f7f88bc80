"""Texts as vectors: who computes them, where they are kept, and which are near. Only this room imports scikit-learn.

    tfidf     hashed TF-IDF in latent dimensions: a model that is fitted on texts, and vectors of any texts
    clusters  groups of vectors (k-means)
    keeping   computes the vectors that are missing, a chunk a transaction
    nearest   the samples whose vectors are nearest to one
    facility  which few points stand nearest to all (facility location)
    reading   vectors of a query as an array on disk, so that memory does not grow with them
    change    how far each rewrite's vector is from its original's

An encoder makes the vectors. A vector is stored under its encoder and its text recipe, and only vectors of one encoder
and recipe are ever compared.
"""
