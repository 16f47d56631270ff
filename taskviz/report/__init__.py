"""What a team discusses: one self-contained HTML file."""
