"""What ``vgic-race help TOPIC`` prints: texts (``*.md``), and what is made of the registries."""
