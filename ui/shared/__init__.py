"""What the pages share: the visit, navigation, words, runs, the frame of a page."""
