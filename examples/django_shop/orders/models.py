from django.db import models


class Order(models.Model):
    customer = models.CharField(max_length=100)
    item = models.CharField(max_length=100)
    state = models.CharField(max_length=20, default="new")
    payments = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.item} for {self.customer}, {self.state}"
