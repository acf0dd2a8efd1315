"""The slow twin of a gallery: a list of rows and a loop."""

import numpy as np


class NaiveGallery:
    def __init__(self, similarity):
        self.similarity = similarity
        self.rows = {}

    def add(self, records, embeddings):
        added = 0
        for row, path in enumerate(records.path):
            if path not in self.rows:
                columns = {name: records.column(name)[row] for name in ("person", "camera", "time", "kind")}
                columns |= {name: records.extra[name][row] for name in ("source", "track")}
                self.rows[path] = (columns, embeddings[[row]])
                added += 1
        return added

    def meets(self, columns, conditions):
        for name, wanted in conditions.items():
            if name == "after" and not columns["time"] >= wanted:
                return False
            if name == "before" and not columns["time"] < wanted:
                return False
            if name not in ("after", "before") and columns[name] not in wanted:
                return False
        return True

    def remove(self, conditions):
        gone = [path for path, (columns, _) in self.rows.items() if self.meets(columns, conditions)]
        for path in gone:
            del self.rows[path]
        return len(gone)

    def search(self, queries, against, conditions):
        """The score of every path that meets the conditions, and who it is."""
        scores, who = {}, {}
        for path, (columns, embedding) in self.rows.items():
            if not self.meets(columns, conditions):
                continue
            mine = [float(self.similarity.pairwise(query, embedding)[0, 0]) for query in queries]
            theirs = [float(self.similarity.pairwise(query, embedding)[0, 0]) for query in against]
            scores[path] = np.mean(mine) - (0.5 * np.mean(theirs) if theirs else 0)
            who[path] = columns["person"] if columns["person"] >= 0 else (columns["source"], columns["track"])
        return scores, who
