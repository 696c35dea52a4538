exec(open("_try.py").read().split("for _ in range(3)")[0])
bb=FlowBatch(r[:4096],b.context)
best=9
for _ in range(100):
    t=time.perf_counter(); bb.to_json_lines(); best=min(best,time.perf_counter()-t)
print(f"best {best/4096*1e9:.0f} ns/doc")
best=9
f=open("/dev/null","wb")
for _ in range(100):
    t=time.perf_counter(); documents.write_json_lines(bb,f.write); best=min(best,time.perf_counter()-t)
print(f"write best {best/4096*1e9:.0f} ns/doc")
t=time.perf_counter(); documents.write_json_lines(b,f.write); print("all",(time.perf_counter()-t)/len(b)*1e9)
