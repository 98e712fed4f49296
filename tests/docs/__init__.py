"""Every block of code in the documentation does what the text around it says."""
