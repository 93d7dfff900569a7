"""The history in words: the idea that each network brought, events without a network here, and where it stands."""

from ui.shared.receipts import receipt

IDEAS = {  # in the order of history: first network, in a sentence
    "template": ("lenet5_1998", "Learn kernels, shrink the maps, repeat, then decide: most convnets keep this plan."),
    "scale": (
        "alexnet",
        "The template made large: a million photographs and two graphics cards, with ReLU so that it "
        "trains, and dropout and altered pictures so that it does not learn them by heart.",
    ),
    "uniform depth": (
        "vgg16",
        "One rule, 3 × 3 and again 3 × 3: two see as far as one 5 × 5, with fewer weights and one more ReLU.",
    ),
    "multi-scale": ("googlenet", "Kernels of several sizes side by side, and 1 × 1 bottlenecks that make them cheap."),
    "residual": (
        "resnet50",
        "A block only adds a change to its input. To do nothing is easy then, and depth stops hurting.",
    ),
    "control": ("plain34", "The residual nets without their shortcuts: deeper is worse, on the training pictures too."),
    "depthwise": (
        "mobilenet_v1",
        "Look at each channel alone, then mix channels at each pixel: the same plan for a fraction of the work.",
    ),
    "compound scaling": (
        "efficientnet_b0",
        "Depth, width and resolution grow together, from a small network found by search.",
    ),
    "attention": (
        "vit_b16",
        "Cut the picture into words and let every word look at every other: no locality built in, "
        "so it must be learnt, from many pictures or by hard training on fewer.",
    ),
    "modernised": (
        "convnext_tiny",
        "Give a ResNet the transformer's habits and training, keep the convolution, and it passes the transformer of "
        f"its size: 82.1%{receipt('convnext_tiny-top1-paper')} against Swin-T's 81.3%{receipt('today-swin-tiny')}.",
    ),
}
EVENTS = (  # of history: without a network here, nothing of them is computed
    (
        1989,
        "Backpropagation learns the kernels of a network that reads zip codes. LeCun et al., "
        "doi:10.1162/neco.1989.1.4.541",
    ),
    (
        2009,
        "ImageNet, the pictures that most later errors are measured on. Deng et al., doi:10.1109/CVPR.2009.5206848",
    ),
    (2015, "Batch normalisation. Ioffe & Szegedy, arXiv:1502.03167"),
    (2017, "The transformer, made for language. Vaswani et al., arXiv:1706.03762"),
    (2017, "Squeeze-and-excite: global pooling that weighs channels. Hu et al., arXiv:1709.01507"),
    (2021, "CLIP: images learnt from their captions. Radford et al., arXiv:2103.00020"),
    (2021, "Swin: attention in windows that shift, and stages as in a convnet. Liu et al., arXiv:2103.14030"),
    (2023, "DINOv2: features learnt without labels. Oquab et al., arXiv:2304.07193"),
    (2024, "MobileNetV4: convolution, and attention where it pays, for phones. Qin et al., arXiv:2404.10518"),
    (2025, "DINOv3: one teacher without labels, pupils of both kinds. Siméoni et al., arXiv:2508.10104"),
)


def today() -> str:
    """Say where convolution stands, each sentence with its source and each figure with its receipt."""
    return f"""
* **At the top of ImageNet: pretraining, in any size.** CoCa reached 91.0%{receipt("today-coca")} (Yu et al.,
  arXiv:2205.01917), CoAtNet, a hybrid, 90.88%{receipt("today-coatnet")} (Dai et al., arXiv:2106.04803), a scaled ViT
  90.45%{receipt("today-vit-g14")} (Zhai et al., arXiv:2106.04560): a billion parameters and more, and billions of
  pictures first. It takes neither: EVA-02-L, of 305 million parameters, stands at
  90.05%{receipt("today-eva02-large")} after 38 million public pictures (Fang et al., arXiv:2303.11331; timm's table).
* **Is it attention?** A convnet given as many pictures and as much computing reached
  90.4%{receipt("today-nfnet-jft")}, as a ViT of that budget (Smith et al., arXiv:2310.16764). What leads is
  pretraining; attention is what it is mostly done with, for it takes words and images alike.
* **2025: one teacher without labels, pupils of both kinds.** DINOv3 trains a ViT of 7 billion parameters on 1.7 billion
  pictures without a label, and distils it into ViTs and into ConvNeXt-T, S, B and L, to be used as they are (Siméoni et
  al., arXiv:2508.10104).
* **2026: pupils of several teachers.** C-RADIOv4 distils SigLIP 2, DINOv3 and SAM 3 into one ViT (Ranzinger et al.,
  arXiv:2601.17237); EUPE does so for small devices, by way of one large pupil, and has ViTs and ConvNeXts (Zhu et al.,
  arXiv:2603.22387).
* **Convnets are still designed.** OverLoCK-T, convolutions with kernels made from the picture, reaches
  84.2%{receipt("today-overlock")} on ImageNet alone (Lou & Yu 2025, arXiv:2502.20087). Hybrids put attention where the
  maps are small, behind convolutions: MambaVision (Hatamizadeh & Kautz, CVPR 2025, arXiv:2407.08083).
* **Few pictures of your own:** a ViT trained on them alone lacks the convolution's prior (Dosovitskiy et al.,
  arXiv:2010.11929); strong augmentation makes up for much (Touvron et al., arXiv:2012.12877). Start from pretrained
  weights: in a comparison of 2023 over many tasks, supervised convnets did best on most (Goldblum et al.,
  arXiv:2310.19909).
* **Phones and deadlines:** what counts there is milliseconds, not multiply-adds, and convolutions still carry it:
  MobileOne (Vasu et al., arXiv:2206.04040); MobileNetV4 adds attention only in its larger models, the largest at
  87%{receipt("today-mobilenetv4")} (Qin et al., arXiv:2404.10518).
"""
