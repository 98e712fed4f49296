from django.db import models


class Order(models.Model):
    customer = models.CharField(max_length=100)
    state = models.CharField(max_length=20, default="new")


class Shipment(models.Model):
    """No constraint: a second delivery would leave a second row."""

    order = models.BigIntegerField()
    note = models.CharField(max_length=100, default="")
