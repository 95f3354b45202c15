"""The access log as a whole: followed, checked, and said in words."""
