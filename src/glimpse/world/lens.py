"""The row of numbers that tells the kernels how one image is taken: its columns, by name."""

DISTANCE, HEIGHT, ROLL = 0, 1, 2  # of the camera, meters; it looks at the person, who stands at the origin
SCENE_X, SCENE_Y, SCENE_TURN = (
    3,
    4,
    5,
)  # where in the scene the person stands, and how the camera is turned there
SUN = 6  # unit direction towards the sun, 3
SUN_LIGHT, SKY_LIGHT, BOUNCE_LIGHT = 9, 12, 15  # linear RGB each, 3
SUN_WIDTH = 18  # how soft a shadow's edge is: tangent of the sun's half-angle
GROUND, GROUND_COLOUR, GROUND_SECOND = 19, 20, 23
BACKDROP, BACKDROP_COLOUR, BACKDROP_SECOND = 26, 27, 30
BACKDROP_AWAY, BACKDROP_TALL, BACKDROP_SLOPE = 33, 34, 35  # meters behind the person, meters high, tangent
SCENE_SEED = 36
EXPOSURE, WHITE, CONTRAST, SATURATION, SHARPNESS, NOISE = 37, 38, 41, 42, 43, 44
MARGINS = 45  # left, right, bottom, top: the detector's error as fractions of the true box
NATIVE = 49  # image height in sensor pixels, before it is resized
BLUR_X, BLUR_Y = 50, 51  # length of the motion blur as fractions of the image's width and height
BAND = 52  # 0 rgb, 1 near infrared, 2 thermal
KIND, WANTED, SIDE = 53, 54, 55  # 0 whole, 1 occluded, 2 partial; the fraction; the side that is kept
RISES, HALF_WIDTH, OCCLUDER_TALL = (
    56,
    57,
    58,
)  # the occluder: comes from below (1) or from the side (0); its size
OCCLUDER_SIDE, OCCLUDER_TURN, OCCLUDER_GAPS = (
    59,
    60,
    61,
)  # +1 or -1; yaw; three distances in front of the person
YAW, PASSER_YAW = 64, 65  # where the person and a person passing in front face
ILLUMINATOR, AMBIENT = 66, 67  # near infrared: strength of the camera's lamp and of what else there is
SEED = 68
TURN_COS, TURN_SIN = 69, 70
COLUMNS = 71
