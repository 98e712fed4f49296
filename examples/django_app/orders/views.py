from django.db import connection, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from orders.models import Order
from orders.pipeline import current_outbox


@csrf_exempt
def orders(request: HttpRequest) -> JsonResponse:
    if request.method == "POST":
        return take_order(request.POST.get("customer", ""), request.POST.get("item", ""))
    return JsonResponse({"orders": list(Order.objects.order_by("id").values())})


def take_order(customer: str, item: str) -> JsonResponse:
    if not customer:
        return JsonResponse({"error": "give a customer and an item"}, status=400)
    box = current_outbox()
    with transaction.atomic():
        order = Order.objects.create(customer=customer, item=item)
        box.enqueue(connection, "orders", {"id": order.pk, "item": item}, key=customer)
    # Django told the outbox of the commit; the workers are on their way.
    return JsonResponse({"id": order.pk}, status=202)
