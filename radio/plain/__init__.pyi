from .app import play_on_lines as play_on_lines
