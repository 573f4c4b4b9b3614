from .control_socket import NoRadioError as NoRadioError, ask as ask
from .remote import Remote as Remote
