"""The error of a device that cannot be used; light, so that it can be caught without importing the device."""


class DeviceError(RuntimeError):
    """A device that is missing or has too little memory; the message is one sentence that says what to do."""
