"""The data dictionary: a static site of every relation of the warehouse, made by `gudang models docs`.

What belongs here: what is said of a relation (dictionary.py), what the warehouse adds to it (facts.py), the picture
of who reads whom (layout.py, drawing.py), words for readers (explanations.py), pages and files (pages.py). Not here:
reading the dbt folder (models/) and contracts (contracts/model.py), what leaves the warehouse as data (publish.py).
"""
