"""What a failure looks like to a reader: the story, the terminal report, the page."""
