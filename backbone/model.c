/* model.c - the model file: one .safetensors file per trained network.
 *
 *   bytes 0..7      N, the length of the header, 64-bit little endian
 *   bytes 8..8+N    JSON: { "NAME": { "dtype": "F32", "shape": [3,3,3,32],
 *                           "data_offsets": [begin, end] }, ...,
 *                           "__metadata__": { "cygnet": "<JSON text, below>" } }
 *   the rest        the tensors, raw, little endian, row-major; offsets count from here
 *
 * The text under "cygnet" is the description of the network:
 *
 *   { "format": 1,
 *     "name": "face-ssd-mobilenet-v1",
 *     "summary": "one sentence for people",
 *     "backbone": {
 *       "family": "mobilenet_v1",           the layer list comes from these two
 *       "width": 1.0,
 *       "input": { "width": 512, "height": 512,
 *                  "channels": "rgb",       or "bgr"
 *                  "mean": [127.5, 127.5, 127.5],        x = (v - mean) * scale, v = 0..255,
 *                  "scale": [0.00784313725490196, ...],  both in the order of `channels`
 *                  "sample": "corner",      input pixel i reads image position i*step; or "centre": (i+.5)*step-.5
 *                  "letterbox": "corner",   padding right or below; or "centre": around
 *                  "border": "black" },     outside of the image; or "edge": the nearest pixel
 *       "activation": "relu6",              or "relu"
 *       "epsilon": 0.0010000000474974513,   of batch norm
 *       "extra": [ { "kernel": 1, "stride": 1, "channels": 256 }, ... ],   layers extra0, extra1 ...
 *       "taps": ["conv11_pw", "conv13_pw", "extra1"] },                    maps kept for heads; also "pool"
 *     "heads": [ { "type": "ssd", ... the head's own keys, see heads/TYPE.c ... } ],
 *     "source": { "package": ..., "files": { "NAME": "sha256" }, "url"?: ..., "paper"?: ... },
 *     "licence": { "weights": "Apache-2.0 ...", "training_data": "..." } }
 *
 * Layers are named conv0, conv1_dw, conv1_pw ... conv13_dw, conv13_pw, extra0 ...
 * A layer's tensors, weights [kernel][kernel][in][out] (depthwise [3][3][channels][1]):
 *   NAME/weights, and any of NAME/mean NAME/variance NAME/gamma NAME/beta (batch norm),
 *   NAME/scale, NAME/bias, each [out]: y = conv(x); y = (y - mean) * gamma / sqrt(variance
 *   + epsilon) + beta; y = y * scale + bias; then the activation. What is absent does nothing.
 */
