from .app import play_on_screen as play_on_screen
