"""The browser-extension bridge of Bonsai Real-Time: keeps an extension in step with the student's other devices."""
