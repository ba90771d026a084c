"""What an execution leaves behind: the registry of records, the log's writer, reader and views."""
