from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from orders.models import Order
from outbox.contrib.django import enqueue


@csrf_exempt
def orders(request: HttpRequest) -> JsonResponse:
    if request.method == "POST":
        return take_order(request.POST.get("customer", ""), request.POST.get("item", ""))
    return JsonResponse({"orders": list(Order.objects.order_by("id").values())})


def take_order(customer: str, item: str) -> JsonResponse:
    """Write order and message in the request's transaction (ATOMIC_REQUESTS)."""
    if not customer:
        return JsonResponse({"error": "give a customer and an item"}, status=400)
    order = Order.objects.create(customer=customer, item=item)
    enqueue("payments", {"id": order.pk, "item": item}, key=customer)
    return JsonResponse({"id": order.pk}, status=202)
