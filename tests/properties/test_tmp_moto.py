from tests.functional.cloud import *
from tests.properties.test_stores import *
def test_x(cloud):
    m = TwoStores(cloud.store)
    t = m._create(1)
    print(cloud.store._read(t.task_id))
    print(cloud.items().keys())
    assert cloud.store.get(t.task_id) == m.fake.get(t.task_id)
