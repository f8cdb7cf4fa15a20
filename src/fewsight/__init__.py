"""fewsight: meta-learning whose decisions people can see through."""
