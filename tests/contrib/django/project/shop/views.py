from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from outbox.contrib.django import enqueue
from shop.models import Order


@csrf_exempt
def orders(request: HttpRequest) -> JsonResponse:
    if request.method == "POST":
        with transaction.atomic():
            order = Order.objects.create(customer=request.POST["customer"])
            enqueue("orders", {"id": order.pk}, key=order.customer)
        return JsonResponse({"id": order.pk}, status=202)
    return JsonResponse({"orders": list(Order.objects.values("id", "state"))})
