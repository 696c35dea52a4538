exec(open("_try.py").read().split("for _ in range(3)")[0])
from sensor import plan
from sensor.flow_columns import *
def T(name,f,k=3):
    best=9
    for _ in range(k):
        t=time.perf_counter(); f(); best=min(best,time.perf_counter()-t)
    print(name, f"{best/4096*1e9:.0f} ns/doc")
bb=FlowBatch(r[:4096],b.context)
T("facts", lambda:[when_mask(bb,1<<k) for k in range(8)])
for k in range(8): T(f" fact{k}", lambda: when_mask(bb,1<<k))
T("dirs", lambda:direction_codes(bb))
p=plan.plan_of(bb)
rows=np.ascontiguousarray(bb.records).view(np.uint8)
facts=np.full(4096,0xff,np.uint8)
w=documents.Writer(p,rows,(facts,facts*0),0)
w.begin(bytearray(p.row_room*128+16))
print("room",p.row_room,len(p.ops)//7)
T("write",lambda:[w.write(i,i+128) for i in range(0,4096,128)])
from sensor import identifiers as I
for k in range(3): T(f"name{k}",lambda:I.names_of(r[:4096],k))
ops=p.ops.reshape(-1,7)
for code in range(20):
    q=ops.copy(); m=(q[:,0]==code); c=m.sum()
    if code in(16,17,18,0): continue
    q[m,0]=0
    w=documents.Writer(plan.Plan(q.ravel(),p.entries,p.pool,p.row_room),rows,(facts,facts*0),0); w.begin(bytearray(p.row_room*128+16))
    T(f"without {code} x{c}",lambda:[w.write(i,i+128) for i in range(0,4096,128)])
