"""What must hold: small automata over facts, one class per rule, by section of the document."""
