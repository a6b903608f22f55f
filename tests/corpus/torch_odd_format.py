import torch, math
from torch import nn; import torch.optim as O

torch.manual_seed( 21 )
a = torch.rand(640, 6); b = torch.sin(a @ torch.arange(1., 7.)) ; noise = .1*torch.randn(640)
xtr,ytr = a[:480] , (b+noise)[:480]
xva,yva = a[480:] , (b+noise)[480:]

net = nn.Sequential( nn.Linear( 6 , 40 )
                   , nn.Tanh( )
                   , nn.Linear(40,
                               40)
                   , nn.Tanh( )
                   , nn.Linear(40, 1)
                   )

opt = O . SGD(
    net . parameters ( ) ,
    lr = 1e-1 ,   # high, but it works
    momentum = .8
    )
lossf = \
    nn.MSELoss()

def one_epoch ( ) :
  net.train() ; tot=0.
  for i in range( 0 , 480 , 48 ) :
    p = net( xtr[ i:i+48 ] ) . squeeze( 1 )
    l = lossf( p, ytr[ i:i+48 ] )
    opt.zero_grad(); l.backward(); opt.step()
    tot += float( l )
  return tot

for e in range( 40 ):
  t = one_epoch()
  if not math.isfinite(t): break

with torch.no_grad( ) : mae = ( net( xva ).squeeze( 1 ) - yva ).abs().mean().item()
print( "val mae" , round( mae , 5 ) )
